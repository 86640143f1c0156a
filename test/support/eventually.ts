/** Waiting for what happens by itself, with an end and a reason. */

/** The first value that is neither undefined nor false. Fails with what was waited for after the time is over. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = 5000,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`);
    await pause(10);
  }
}

export const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
