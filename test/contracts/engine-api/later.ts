/** What is not there yet. The test fails for a row that is there by now, so that the lists only get shorter. */

/** Operations that are refused as not there, with 501; the reason is the part of the engine that comes later. */
export const operationsNotYet: ReadonlySet<string> = new Set([]);
