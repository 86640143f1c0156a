/** TLS of servers: whose certificate they show, and whose they want to see. */
import type { TlsOptions } from 'node:tls';

export interface TlsSettings {
  /** PEM. */
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
  /** Where given, clients have to show a certificate of one of these. PEM. */
  readonly clientAuthorities?: readonly (string | Buffer)[];
  readonly minimumVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** For Node's servers. */
export function tlsOptions({
  certificate,
  key,
  clientAuthorities,
  minimumVersion = 'TLSv1.2',
}: TlsSettings): TlsOptions {
  const hasClients = clientAuthorities !== undefined && clientAuthorities.length > 0;
  return {
    cert: certificate,
    key,
    minVersion: minimumVersion,
    ...(hasClients ? { ca: [...clientAuthorities], requestCert: true, rejectUnauthorized: true } : {}),
  };
}
