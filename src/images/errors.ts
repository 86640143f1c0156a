/** Everything the images module can refuse, in Docker's own words where Docker has some. */
import { defineErrors } from '#base';

export const errors = defineErrors('image', {
  noSuch: { kind: 'not-found', message: (reference: string) => `No such image: ${reference}` },
  ambiguous: { kind: 'invalid', message: (prefix: string) => `multiple images found with provided prefix: ${prefix}` },
  badChange: {
    kind: 'invalid',
    message: (name: string) => `${name} is not a valid change command`,
  },
  changeSyntax: { kind: 'invalid', message: (what: string) => what },

  badArchive: { kind: 'invalid', message: (why: string) => `this is no archive of images: ${why}` },
  notAnImage: {
    kind: 'invalid',
    message: (digest: string, mediaType: string) => `${digest} is no image: it is, or is configured by, ${mediaType}`,
  },
  notALayer: { kind: 'invalid', message: (mediaType: string) => `a layer of unknown media type '${mediaType}'` },
  foreignOs: { kind: 'invalid', message: () => 'operating system is not supported' },
  wrongOs: {
    kind: 'invalid',
    message: (digest: string, os: string) => `image ${digest} is for ${os}: only images for linux run here`,
  },
  layerCount: {
    kind: 'invalid',
    message: (digest: string, layers: number, diffIds: number) =>
      `manifest ${digest} has ${layers} layers, but the image's config speaks of ${diffIds}`,
  },
  wrongDiffId: {
    kind: 'invalid',
    message: (blob: string, actual: string, expected: string) =>
      `layer ${blob} unpacks to ${actual}, but the image's config says ${expected}: the image is damaged`,
  },
  layerGone: { kind: 'internal', message: (diffId: string) => `layer ${diffId} is not in the store after unpacking` },
  noManifest: {
    kind: 'internal',
    message: (id: string) => `image ${id} has no manifest here: run 'skiff system fsck --repair'`,
  },
  otherPlatform: {
    kind: 'not-found',
    message: (name: string, wanted: string, actual: string) =>
      `image with reference ${name} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  pushDigest: { kind: 'invalid', message: () => 'cannot push a digest reference' },
  noLocalTag: {
    kind: 'not-found',
    message: (name: string, tag: string) => `tag does not exist: ${name}:${tag}`,
  },
  noLocalRepository: {
    kind: 'not-found',
    message: (name: string) => `An image does not exist locally with the tag: ${name}`,
  },

  unknownCompression: {
    kind: 'invalid',
    message: (format: string) =>
      `the archive is compressed with ${format}, which is not supported: send it plain, or with gzip, zstd, xz or bzip2`,
  },
  noDecoder: {
    kind: 'unavailable',
    message: (format: string, program: string, packageName: string) =>
      `the archive is compressed with ${format}, and the program ${program} is not on this host: install it (Debian: apt-get install ${packageName}), or send the archive plain`,
  },
  badCompression: {
    kind: 'invalid',
    message: (format: string, what: string) => `the ${format} stream is damaged or truncated: ${what}`,
  },
  forbiddenEntry: { kind: 'invalid', message: (path: string, what: string) => `archive entry ${path}: ${what}` },
  tooManyFolders: {
    kind: 'invalid',
    message: () => 'the layer names more folders than are taken (256 MiB of paths)',
  },
  unmappedOwner: {
    kind: 'invalid',
    message: (kind: string, id: number) => `${kind} id ${id} of the archive has no place in the user namespace`,
  },
  danglingLink: {
    kind: 'invalid',
    message: (path: string, existing: string) =>
      `archive entry "${path}": the file it links to, "${existing}", is neither in this layer nor below it`,
  },
  unpackable: {
    kind: 'internal',
    message: (path: string, what: string) => `"${path}" cannot be put into an archive: ${what}`,
  },
  unpack: { kind: 'internal', message: (what: string) => `unpacking the archive failed: ${what}` },
  cancelled: { kind: 'cancelled', message: (what = 'import') => `the ${what} was cancelled` },

  repositoryInUse: {
    kind: 'conflict',
    message: (reference: string, container: string, image: string) =>
      `conflict: unable to remove repository reference "${reference}" (must force) - container ${container} is using its referenced image ${image}`,
  },
  inUseRunning: {
    kind: 'conflict',
    message: (image: string, container: string) =>
      `conflict: unable to delete ${image} (cannot be forced) - image is being used by running container ${container}`,
  },
  inUseStopped: {
    kind: 'conflict',
    message: (image: string, container: string) =>
      `conflict: unable to delete ${image} (must be forced) - image is being used by stopped container ${container}`,
  },
  inUseUntagged: {
    kind: 'conflict',
    message: (image: string, container: string) =>
      `conflict: unable to delete ${image} (cannot be forced) - image has no tags left and is being used by container ${container}`,
  },
  hasChildren: {
    kind: 'conflict',
    message: (image: string) =>
      `conflict: unable to delete ${image} (cannot be forced) - image has dependent child images`,
  },
  manyRepositories: {
    kind: 'conflict',
    message: (image: string) =>
      `conflict: unable to delete ${image} (must be forced) - image is referenced in multiple repositories`,
  },

  tooManyLayers: {
    kind: 'invalid',
    message: (image: string, layers: number, most: number) =>
      `image ${image} has ${layers} layers, and at most ${most} can be stacked: squash it`,
  },
  tooLongStack: {
    kind: 'invalid',
    message: (image: string, bytes: number, most: number) =>
      `the layers of image ${image} take ${bytes} bytes of mount options, and before Linux 6.8 there is room for ${most}: ` +
      'use a shorter data folder',
  },
  noImageMounts: {
    kind: 'not-implemented',
    message: (why: string) => `mounting an image is not supported here: ${why}`,
  },
  noSizeLimit: {
    kind: 'invalid',
    message: (why: string) => `the size of a container's file system cannot be limited: ${why}`,
  },
  otherDriver: {
    kind: 'conflict',
    message: (folder: string, has: string, wanted: string) =>
      `the data in ${folder} was made with the storage driver ${has}: leave --storage-driver ${wanted} out, or use ` +
      'another --data-root',
  },
  noOverlay: {
    kind: 'unavailable',
    message: (folder: string, fault: string) =>
      `there can be no overlay in ${folder} (${fault}): leave --storage-driver overlay2 out, or use another --data-root`,
  },
  tooManyBuilt: {
    kind: 'invalid',
    message: (layers: number, most: number) =>
      `this would be layer ${layers} of the image, and at most ${most} can be stacked: join RUN instructions, or copy the result into a new stage`,
  },
  needsOverlay: {
    kind: 'not-implemented',
    message: (dataRoot: string) =>
      `images can be built only where overlays can be mounted, and ${dataRoot} was opened with the storage driver vfs`,
  },
  missingFolder: {
    kind: 'internal',
    message: (what: string, path: string) => `${what} is missing: ${path} is not there`,
  },
});
