/** Lets the program of a created container run, and hears whether it could. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { errnoCode } from '#base';
import { FrameSplitter, type PlanFailure, readEvent } from '#linux';
import { errors } from '../errors.ts';
import { lateFailureError } from '../failure.ts';
import type { OciContext } from './context.ts';
import { runHooks } from './hooks.ts';
import { type ContainerState, publicState, startSocket } from './state.ts';

/**
 * The caller has made sure that the container is created. Resolves when its program runs and poststart hooks are over.
 * Throws why it could not run.
 */
export async function startContainer(context: OciContext, folder: string, state: ContainerState): Promise<void> {
  const failure = await release(folder, state.id);
  rmSync(startSocket(folder), { force: true });
  if (failure) throw lateFailureError(state.config.process?.args ?? [], failure);
  await runHooks('poststart', state.config, publicState(state, 'running'), context.warn);
}

/** LONGEST: sun_path holds 108 bytes; a longer path goes through the descriptor of its folder. */
const LONGEST_SOCKET_PATH = 107;

/** One byte lets it go; until the end of file, which exec brings, it may say what failed (native/README.md, HOLD). */
async function release(folder: string, id: string): Promise<PlanFailure | undefined> {
  const path = startSocket(folder);
  const directory = Buffer.byteLength(path) > LONGEST_SOCKET_PATH ? openSync(dirname(path), 'r') : undefined;
  const splitter = new FrameSplitter();
  let failure: PlanFailure | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(directory === undefined ? path : `/proc/self/fd/${directory}/${basename(path)}`);
  socket.once('connect', () => socket.write('s'));
  socket.on('data', (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) {
      const { event } = readEvent(frame);
      if (event.type === 'failed') failure = event;
    }
  });
  socket.once('error', reject);
  socket.once('close', () => resolve());
  try {
    await promise;
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') throw errors.notAllowed('start', id, 'already started');
    // A container that is killed while it waits resets the connection.
    if (code !== 'ECONNRESET' && code !== 'EPIPE') throw error;
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
  return failure;
}
