/** The name a request gives an image, in two parameters. */

/** `repo` and `tag` as one reference. compat: where both say a tag, `tag` counts. */
export function imageName(query: URLSearchParams): string {
  const repository = query.get('repo') ?? '';
  const tag = query.get('tag') ?? '';
  return tag === '' ? repository : `${repository.replace(/:[^/:@]*$/, '')}:${tag}`;
}
