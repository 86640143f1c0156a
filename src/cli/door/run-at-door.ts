/**
 * Runs the command line of a front door (native/door) in this process: its terminal is at the other end of a connection.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { createClient, type LocalDoor, type SkiffClient } from '#client';
import {
  type CommandLine,
  commandFrames,
  doorFrames,
  encodeFrame,
  type Frame,
  FrameReader,
  readCommandLine,
} from '#wire';
import { main } from '../main.ts';
import { packageVersion } from '../package.ts';
import { NeedsOwnProcess, noFiles } from '../user-files.ts';
import { DoorTerminal } from './door-terminal.ts';

/**
 * Until the command has ended and everything is sent. `local` is this process's own API. Never throws; a door that goes
 * away ends what its command has asked for.
 */
export async function runAtDoor(door: Duplex, local: LocalDoor): Promise<void> {
  const reader = new FrameReader();
  const left = new AbortController();
  let terminal: DoorTerminal | undefined;
  const leave = (): void => {
    door.destroy();
    terminal?.close();
    left.abort(new Error('the client has gone'));
  };
  const whileHere: LocalDoor = (call) =>
    local({ ...call, signal: call.signal ? AbortSignal.any([call.signal, left.signal]) : left.signal });
  const take = ({ type, payload }: Frame): void => {
    if (terminal) {
      terminal.take(type, payload);
      return;
    }
    const line = type === doorFrames.command ? readCommandLine(payload) : undefined;
    if (!line) {
      leave();
      return;
    }
    terminal = new DoorTerminal(door, line);
    void run(door, line, terminal, whileHere).then(() => door.end(), leave);
  };
  door.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) take(frame);
    } catch {
      leave();
    }
  });
  door.on('error', leave);
  await new Promise<void>((resolve) => {
    door.once('close', () => {
      leave();
      resolve();
    });
    door.once('end', leave);
  });
}

async function run(door: Duplex, line: CommandLine, terminal: DoorTerminal, local: LocalDoor): Promise<void> {
  if (line.version !== packageVersion()) {
    door.write(encodeFrame(commandFrames.elsewhere));
    return;
  }
  const { stdin, stdout, stderr, signals } = terminal;
  const { argv, environment, workingDirectory } = line;
  const connect = (apiVersion: string | undefined): SkiffClient =>
    createClient({ local, apiVersion, headers: { 'User-Agent': `Skiff-Client/${packageVersion()} (linux)` } });
  try {
    const code = await main(argv, {
      stdin,
      stdout,
      stderr,
      environment,
      workingDirectory,
      files: noFiles,
      signals,
      connect,
    });
    await terminal.flush();
    door.write(encodeFrame(commandFrames.exit, Buffer.of(code & 0xff)));
  } catch (error) {
    if (!(error instanceof NeedsOwnProcess)) throw error;
    door.write(encodeFrame(commandFrames.elsewhere));
  }
}
