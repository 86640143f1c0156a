/** Flags in front of the command. */
import { list, toggle } from './flag-types.ts';

export const globalFlags = {
  host: list({ short: 'H', help: 'Where the daemon listens: unix:///path or tcp://host:port' }),
  debug: toggle({ short: 'D', help: 'Show what led to an error' }),
  version: toggle({ short: 'v', help: 'Print the version and exit' }),
};
