/** What Docker's API says of registries. compat: docker-engine-api.yaml, ImageSearch. */

export interface SearchResultJson {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
}
