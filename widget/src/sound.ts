/** A short sound for what comes in while nobody looks. */

const SECONDS = 0.15;
/** For so long the other tabs of the site stay silent about the same message. */
const ONE_TAB = 3000;

function play(): void {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = 880;
  volume.gain.value = 0.05;
  tone.connect(volume).connect(context.destination);
  tone.onended = () => context.close();
  tone.start();
  tone.stop(context.currentTime + SECONDS);
}

/** Plays in one tab only. Where the browser does not allow it there is no sound. */
export async function chime(): Promise<void> {
  const sound = async (lock: unknown) => {
    if (!lock) return;
    play();
    await new Promise((resolve) => setTimeout(resolve, ONE_TAB));
  };
  try {
    await (navigator.locks?.request('frontdesk sound', { ifAvailable: true }, sound) ?? sound(true));
  } catch {
    // Nobody misses a sound.
  }
}
