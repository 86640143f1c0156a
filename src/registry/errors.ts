/** Everything the registry module can refuse, in Docker's own words where Docker has some. */
import { defineErrors } from '#base';

export const referenceErrors = defineErrors('reference', {
  badReference: { kind: 'invalid', message: () => 'invalid reference format' },
  upperCaseName: {
    kind: 'invalid',
    message: (name: string) => `invalid reference format: repository name (${name}) must be lowercase`,
  },
  nameTooLong: { kind: 'invalid', message: () => 'repository name must not be more than 255 characters' },
  nameIsId: {
    kind: 'invalid',
    message: (name: string) => `invalid repository name (${name}), cannot specify 64-byte hexadecimal strings`,
  },
  digestTag: { kind: 'invalid', message: () => 'cannot import digest reference' },
});
