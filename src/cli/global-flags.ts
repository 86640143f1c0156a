/** Flags in front of the command. */
import { list, parseBoolean, text, toggle, value } from './flag-types.ts';
import type { FlagValues } from './flags.ts';

export const globalFlags = {
  config: text({ help: "Folder of the client's configuration files (DOCKER_CONFIG)" }),
  context: text({ short: 'c', help: 'Name of the context: a daemon to talk to (DOCKER_CONTEXT)' }),
  host: list({ short: 'H', help: 'Where the daemon listens: unix:///path, tcp://host:port or ssh://user@host' }),
  debug: toggle({ short: 'D', help: 'Show what led to an error' }),
  'log-level': value({
    short: 'l',
    type: 'level',
    parse: parseLevel,
    help: 'Least weight of what the command line logs; it logs nothing but errors',
  }),
  tls: toggle({ help: 'Use TLS, with any daemon' }),
  tlsverify: {
    ...value({ type: '', parse: parseBoolean, help: 'Use TLS, with a daemon whose certificate is of --tlscacert' }),
    bare: 'true',
  },
  tlscacert: text({ help: "Authority of the daemon's certificate (ca.pem in DOCKER_CERT_PATH)" }),
  tlscert: text({ help: 'Certificate to show (cert.pem in DOCKER_CERT_PATH)' }),
  tlskey: text({ help: "The certificate's key (key.pem in DOCKER_CERT_PATH)" }),
  version: toggle({ short: 'v', help: 'Print the version and exit' }),
};

export type GlobalFlags = FlagValues<typeof globalFlags>;

/** compat: levels are checked, and none of them changes what a command prints. */
function parseLevel(text: string): string {
  const known = ['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'];
  if (!known.includes(text.toLowerCase())) throw new Error(`unable to parse logging level: ${text}`);
  return text;
}
