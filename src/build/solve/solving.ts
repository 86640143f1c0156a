/** A build that is asked for, and what its steps share while it goes on. */
import type { ImageRecord, LayerArchives } from '#images';
import type { LocalContext } from '../files/context-index.ts';
import type { ImportedCache } from '../export/export-wish.ts';
import type { BuildGraph, ImageStep, LocalStep, ResultStep, RunStep, StepId } from '../graph.ts';
import type { Tell } from '../progress.ts';
import type { RunGifts, RunSettings } from '../run/settings.ts';
import type { Snapshot, StepResult } from './result.ts';
import type { Slots } from './slots.ts';

export interface SolveRequest {
  readonly graph: BuildGraph;
  /** Steps whose results are asked for instead of the outputs: nothing is made ready to become an image. */
  readonly wanted?: readonly StepId[];
  /** Sources that were fetched for this build already, by what they are: the same for all its steps. */
  readonly fetched?: FetchedSources;
  /** The files of a local step; they stay the caller's. */
  readonly contextOf: (step: LocalStep) => Promise<LocalContext>;
  /** What another build has made, as long as that build holds it. */
  readonly given?: (step: ResultStep) => Promise<Snapshot>;
  /** Brings an image that is not here. */
  readonly pull: (step: ImageStep, signal: AbortSignal) => Promise<ImageRecord>;
  readonly settings: RunSettings;
  readonly gifts: RunGifts;
  readonly tell: Tell;
  /** Asked after output was told: a promise holds back the program until who listens has taken it. */
  readonly drained?: () => Promise<void> | undefined;
  /** Told of a program that failed, while all it had is still there. */
  readonly onRunFailed?: (failure: RunFailure) => void;
  /** Of what files steps make themselves. */
  readonly nowNs: bigint;
  /** SOURCE_DATE_EPOCH in nanoseconds: the time of what is new, and the latest one of files in new layers. */
  readonly epochNs?: bigint;
  /** Caches from elsewhere, asked in this order for what the own one has not. */
  readonly imported?: readonly ImportedCache[];
  /** The results of all steps are wanted, by a cache that keeps them for instance. */
  readonly wantsAll?: boolean;
  /** Steps whose results are wanted besides those of the outputs. */
  readonly alsoNeeded?: readonly StepId[];
  readonly signal: AbortSignal;
}

/** A step whose program failed, and what it was given. */
export interface RunFailure {
  readonly step: RunStep;
  readonly root: Snapshot;
  /** What its mounts show. */
  readonly inputs: ReadonlyMap<StepId, StepResult>;
  readonly settings: RunSettings;
  readonly gifts: RunGifts;
}

/** Repositories and downloads, by their steps without names. What holds them lives as long as the build. */
export type FetchedSources = Map<string, Promise<Snapshot>>;

/** What steps of one build share. */
export interface Solving extends SolveRequest {
  readonly fetched: FetchedSources;
  readonly slots: Slots;
  /** What is held until the build is over. */
  readonly held: DisposableStack;
  /** Work that may go on behind the steps, and ends before the build does. */
  readonly background: Promise<unknown>[];
  /** Steps whose layers will be part of an image, and where their archives are made meanwhile. */
  readonly exported: ReadonlySet<StepId>;
  readonly archives: LayerArchives;
  /** Which entry of the cache a step's result is, for steps that have one. */
  readonly entries: Map<StepId, string>;
  /** Identities that are known before their steps are run. */
  readonly identities: ReadonlyMap<StepId, string>;
  /** Runs the step if nobody has asked for it yet. */
  readonly resultOf: (step: StepId) => Promise<StepResult>;
}
