import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithUs, freePort, type Running } from './server.ts';

/** SmolLM2-135M on llama.cpp's server, which `cargo xtask setup` installs. */
export async function startLocalModel(): Promise<Running> {
  const tools = process.env.FRONTDESK_TOOLS ?? fileURLToPath(new URL('../../target/tools', import.meta.url));
  const script = fileURLToPath(new URL('../../crates/testkit/local_model.py', import.meta.url));
  const port = await freePort();
  const child = spawn(`${tools}/venv/bin/python`, [script, `${port}`], { stdio: ['ignore', 'pipe', 'ignore'] });
  endWithUs(child);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the local model ended with ${code}`)));
    child.stdout.on('data', (text) => {
      if (`${text}`.includes('ready')) resolve();
    });
  });
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async end() {
      child.kill('SIGKILL');
    },
  };
}
