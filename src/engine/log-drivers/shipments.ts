/** The shipments of all containers that have one: begun with a run, taken up by the next daemon, gone with the container. */
import { type Log, messageOf, type RecordStore } from '#base';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import type { LogSource } from '../logs.ts';
import { originOf } from './attributes.ts';
import type { LogSink, SendDatagrams } from './driver.ts';
import { logDriver } from './options.ts';
import { Shipment, type ShippedMark } from './shipper.ts';

export interface ShipmentsOptions {
  readonly marks: RecordStore<ShippedMark>;
  readonly sendDatagrams: SendDatagrams;
  readonly log: Log;
}

export class Shipments {
  readonly #options: ShipmentsOptions;
  readonly #byId = new Map<string, Shipment>();

  constructor(options: ShipmentsOptions) {
    this.#options = options;
  }

  /** Reaches the server of a container's driver; undefined where lines stay here. Throws `container.logDriver`. */
  async open(record: ContainerRecord): Promise<LogSink | undefined> {
    const { driver, options } = record.settings.host.log;
    const { open } = logDriver(driver);
    if (!open) return undefined;
    try {
      return await open(options, originOf(record, options), this.#options.sendDatagrams);
    } catch (error) {
      throw errors.logDriver(messageOf(error));
    }
  }

  /** Sends what a run writes. Without a sink it is opened when there is something to send. */
  begin(record: ContainerRecord, source: Omit<LogSource, 'signal'>, sink: LogSink | undefined): void {
    const { id } = record;
    const { driver, options } = record.settings.host.log;
    const { open } = logDriver(driver);
    if (!open) return;
    const { marks, log, sendDatagrams } = this.#options;
    // The run before may still be sending its last lines.
    const before = this.#byId.get(id);
    this.#byId.set(
      id,
      new Shipment({
        containerId: id,
        source,
        shipped: () => marks.get(id),
        log,
        after: before?.done ?? Promise.resolve(),
        note: (mark) => {
          if (this.#byId.has(id)) marks.put(id, mark);
        },
        open: () => open(options, originOf(record, options), sendDatagrams),
        ...(sink ? { sink } : {}),
      }),
    );
  }

  /** The container is removed. Its last lines are still sent; nothing is remembered of them. */
  forget(id: string): void {
    this.#byId.delete(id);
    this.#options.marks.delete(id);
  }

  /** Stops all where they are; the next daemon goes on from there. Those whose container has ended finish first. */
  async close(): Promise<void> {
    await Promise.all([...this.#byId.values()].map((shipment) => shipment.close()));
  }
}
