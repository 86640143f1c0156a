/**
 * The profile of containers that ask for none: Docker's, from default-profile.json.
 */
import json from './default-profile.json' with { type: 'json' };
import type { SeccompProfile } from './profile.ts';

export const defaultProfile: SeccompProfile = json as unknown as SeccompProfile;
