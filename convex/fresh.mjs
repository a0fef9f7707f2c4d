// Fails if functions/_generated is not what Convex makes of the functions, and writes it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const folder = 'functions/_generated';
const contents = () => readdirSync(folder).map((file) => [file, readFileSync(`${folder}/${file}`, 'utf8')]);

const before = JSON.stringify(contents());
execFileSync('npm', ['run', '--silent', 'codegen'], { stdio: 'inherit' });
if (JSON.stringify(contents()) !== before) {
  console.error(`Not committed as generated: convex/${folder}. It has been written now.`);
  process.exit(1);
}
