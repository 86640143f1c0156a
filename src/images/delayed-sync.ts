/**
 * Data of blobs and layers goes to the disk a moment after they are recorded, once for many: waiting for it would be
 * most of the time a load or pull takes.
 *
 * A record says since when there may be data that a power cut would lose, and under which boot of the machine. It is
 * written before the first such blob or layer is, and goes when all is on the disk. A start that finds it from an
 * earlier boot looks at everything made since then (see recover-unsynced.ts). A killed daemon loses nothing: the
 * kernel has the data.
 */
import { readFileSync } from 'node:fs';
import { causeChain, formatTimeNs, type Log, nowNs, type RecordStore, type RecordStores } from '#base';
import { openUnpacker } from '#linux';

interface UnsyncedRecord {
  readonly version: 1;
  readonly bootId: string;
  /** RFC 3339. */
  readonly since: string;
}

export interface DelayedSyncOptions {
  readonly records: RecordStores;
  readonly dataRoot: string;
  readonly helperProgram: string;
  readonly log: Log;
  readonly bootId?: string;
  readonly delayMs?: number;
}

const RECORD = 'images';
/** After the last of several things noted: bringing data to the disk in the middle of a load would slow the rest of it. */
const DELAY_MS = 2000;
/** After the first of them, however many come. */
const LONGEST_DELAY_MS = 10_000;

export class DelayedSync implements AsyncDisposable {
  readonly #options: DelayedSyncOptions;
  readonly #bootId: string;
  readonly #store: RecordStore<UnsyncedRecord>;
  #isNoted = false;
  /** A record of an earlier boot stays until `recovered` is called, whatever is noted meanwhile. */
  #isRecovering: boolean;
  #notes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the first was noted that waits, in milliseconds of the process's clock; 0 when none does. */
  #waitingSinceMs = 0;
  #running: Promise<void> | undefined;

  constructor(options: DelayedSyncOptions) {
    this.#options = options;
    this.#bootId = options.bootId ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    this.#store = options.records.of<UnsyncedRecord>('unsynced');
    this.#isRecovering = this.lostSince() !== undefined;
    // Left by a killed daemon: the kernel still has the data.
    if (this.#store.get(RECORD)?.bootId === this.#bootId) {
      this.#isNoted = true;
      this.#schedule();
    }
  }

  /** Since when data may be missing because the machine went down before it was on the disk; undefined: none is. */
  lostSince(): string | undefined {
    const record = this.#store.get(RECORD);
    return record === undefined || record.bootId === this.#bootId ? undefined : record.since;
  }

  /** To be called before something is recorded whose data may not be on the disk yet. */
  note(): void {
    this.#notes += 1;
    if (!this.#isNoted && !this.#isRecovering) {
      const since = this.#store.get(RECORD)?.since ?? formatTimeNs(nowNs());
      const record: UnsyncedRecord = { version: 1, bootId: this.#bootId, since };
      this.#options.records.durably(() => this.#store.put(RECORD, record));
      this.#isNoted = true;
    }
    if (!this.#isRecovering) this.#schedule();
  }

  /** What a power cut has damaged is dealt with: brings the rest to the disk and forgets it. */
  async recovered(): Promise<void> {
    this.#isRecovering = false;
    this.note();
    await this.flush();
  }

  /** Resolves when everything noted so far is on the disk, or could not be brought there (which is logged). */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#running) await this.#running;
    if (!this.#isNoted) return;
    this.#running = this.#sync().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }

  async #sync(): Promise<void> {
    const { dataRoot, helperProgram, log, records } = this.#options;
    const notes = this.#notes;
    try {
      await using helper = openUnpacker(dataRoot, { program: helperProgram });
      helper.sync();
      await helper.finish();
      if (notes !== this.#notes) return;
      this.#isNoted = false;
      records.durably(() => this.#store.delete(RECORD));
    } catch (error) {
      log.error('data of images could not be brought to the disk', { error: causeChain(error) });
    } finally {
      if (this.#isNoted) this.#schedule();
    }
  }

  #schedule(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#waitingSinceMs = now;
    else if (now - this.#waitingSinceMs > LONGEST_DELAY_MS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), this.#options.delayMs ?? DELAY_MS);
    this.#timer.unref();
  }
}
