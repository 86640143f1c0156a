/** `--link NAME:ALIAS`: another container, and what this one calls it. Pure. */
import { errors } from './errors.ts';

export interface Link {
  readonly name: string;
  readonly alias: string;
}

/** Throws `network.invalid`. compat: a name alone is its own alias, and `/name:/me/alias` is how inspect shows it. */
export function parseLink(text: string): Link {
  if (text === '') throw errors.invalid('empty string specified for links');
  const [name = '', alias = name, ...more] = text.split(':');
  if (more.length > 0 || name === '' || alias === '') throw errors.invalid(`bad format for links: ${text}`);
  if (!name.startsWith('/') || !alias.startsWith('/')) return { name, alias };
  return { name: name.slice(1), alias: alias.slice(alias.lastIndexOf('/') + 1) };
}
