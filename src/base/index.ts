/** Ground: errors, locks, ids, log, sizes, binary fields, atomic files, record stores. Knows no containers. */
export { type AtomicWriteOptions, writeFileAtomic } from './atomic-file.ts';
export { BytesReader, BytesWriter } from './bytes.ts';
export {
  because,
  defineErrors,
  type ErrorKind,
  type ErrorOptions,
  errnoCode,
  messageOf,
  SkiffError,
  SyscallError,
} from './errors.ts';
export {
  type Branded,
  type ContainerId,
  type Digest,
  digestOf,
  digestParts,
  isContainerId,
  newContainerId,
  parseDigest,
  randomHex,
  shortId,
} from './ids.ts';
export { KeyedMutex } from './keyed-mutex.ts';
export { causeChain, createLog, type Log, type LogFields, type LogFormat, type LogLevel, logLevels } from './log.ts';
export { waitMs } from './long-wait.ts';
export { IgnoreMatcher } from './ignore/ignore-matcher.ts';
export { cleanPath, ignoreFileNames, parseIgnore } from './ignore/parse-ignore.ts';
export { compileWildcard, hasWildcards, type Wildcard } from './ignore/wildcard.ts';
export { memoryRecordStores, openRecordStores, type RecordStore, type RecordStores } from './record-store.ts';
export { formatBinaryBytes, formatBytes, humanDuration, parseBytes, parseDurationMs } from './sizes.ts';
export { compareTimes, formatTimeNs, nowNs, parseDateNs, parseTimeNs, ZERO_TIME } from './time.ts';
export { whenFulfilled } from './when-fulfilled.ts';
export { workerEntry } from './worker-entry.ts';
