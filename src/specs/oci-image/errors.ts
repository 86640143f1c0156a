/** What is refused about image documents that come from elsewhere. */
import { defineErrors } from '#base';

export const errors = defineErrors('oci', {
  notJson: { kind: 'invalid', message: (what: string, why: string) => `${what} is not valid JSON: ${why}` },
  malformed: { kind: 'invalid', message: (what: string, where: string, why: string) => `${what}: ${where} ${why}` },
  schema1: {
    kind: 'invalid',
    message: (mediaType: string) =>
      `image manifests of Docker's first schema (${mediaType}) are not supported: push the image again with a current tool`,
  },
  unknownType: { kind: 'invalid', message: (mediaType: string) => `unsupported manifest media type '${mediaType}'` },
  tooDeep: { kind: 'invalid', message: (what: string) => `${what} is nested too deeply` },
  unknownPlatform: {
    kind: 'invalid',
    message: (text: string) => `${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`,
  },
  badPlatform: {
    kind: 'invalid',
    message: (text: string) => `"${text}": cannot parse platform specifier: invalid argument`,
  },
});
