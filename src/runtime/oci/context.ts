/** What every operation of the OCI command line is given. */

export interface OciContext {
  /** Holds a folder per container. */
  readonly root: string;
  readonly rootless: boolean;
  readonly systemdCgroup: boolean;
  readonly warn: (message: string) => void;
}
