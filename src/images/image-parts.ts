/** What the verbs of images share. Each takes it as its first parameter; `open.ts` wires it. */
import type { KeyedMutex } from '#base';
import type { HostFacts } from '#linux';
import type { RegistryClient } from '#registry';
import type { Platform } from '#specs';
import type { ContentStore } from './content/content-store.ts';
import type { ImageIndex } from './image-index.ts';
import type { LayersInUse } from './layers-in-use.ts';
import type { LayerStore } from './layers/layer-store.ts';
import type { LayerForm, LayerUnpacker } from './layers/layer-unpacker.ts';

export interface ImageEvent {
  readonly action: 'pull' | 'push' | 'tag' | 'untag' | 'delete' | 'import' | 'load' | 'save' | 'prune';
  /** The image's id; for pull and push its name. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ImageParts {
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly unpacker: LayerUnpacker;
  readonly layersInUse: LayersInUse;
  readonly index: ImageIndex;
  readonly registry: RegistryClient;
  readonly locks: KeyedMutex;
  readonly host: Platform;
  readonly facts: Pick<HostFacts, 'kernel'>;
  /** What unpacked layers have to be like for the writable layers above them. */
  readonly layerForm: LayerForm;
  /** Unpacks and packs layers, and is the program of the image `hello`. */
  readonly helperProgram: string;
  readonly announce: (event: ImageEvent) => void;
}

/** The lock under which records change, and with them what content is wanted. */
export const STORE = 'store';
