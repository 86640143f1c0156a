/** `checkDockerfile`: what `docker build --check` says: warnings about all stages, and what would stop the build. */
import { SkiffError } from '#base';
import {
  type LintFinding,
  type LintSettings,
  type LintWarning,
  parseLintSettings,
  refuseWarnings,
  reported,
} from './lint/linter.ts';
import { directivesOf, parseDockerfile } from './parse/parse-dockerfile.ts';
import type { BuildRequest, BuildSources } from './plan/build-request.ts';
import { checkOf, planAllStages } from './plan/plan-build.ts';

export interface DockerfileCheck {
  readonly warnings: readonly LintWarning[];
  /** Of the file, or of what it needs; its details say the lines where it is about lines. */
  readonly error: SkiffError | undefined;
  /** What `--check` ends with: 1 with an error, or with warnings that are errors. */
  readonly statusCode: 0 | 1;
}

/** Does not throw for what is wrong with the file. */
export async function checkDockerfile(
  text: string,
  request: BuildRequest,
  sources: BuildSources,
): Promise<DockerfileCheck> {
  const findings: LintFinding[] = [];
  let options = request.check ?? request.buildArgs?.['BUILDKIT_DOCKERFILE_CHECK'] ?? '';
  let error: SkiffError | undefined;
  try {
    if (options === '') options = directivesOf(text).check ?? '';
    const dockerfile = parseDockerfile(text, findings);
    options = checkOf(dockerfile, request);
    await planAllStages(dockerfile, request, sources, findings);
  } catch (thrown) {
    if (!(thrown instanceof SkiffError)) throw thrown;
    error = thrown;
  }
  try {
    const settings = parseLintSettings(options);
    const warnings = reported(findings, settings);
    const refusal = error ?? refusalOf(warnings, settings);
    return { warnings, error: refusal, statusCode: refusal === undefined ? 0 : 1 };
  } catch (thrown) {
    if (!(thrown instanceof SkiffError)) throw thrown;
    return { warnings: [], error: thrown, statusCode: 1 };
  }
}

/** Of warnings that are to be errors. */
function refusalOf(warnings: readonly LintWarning[], settings: LintSettings): SkiffError | undefined {
  try {
    refuseWarnings(warnings, settings);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SkiffError) return thrown;
    throw thrown;
  }
}
