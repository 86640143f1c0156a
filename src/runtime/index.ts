/** OCI spec → plan → running process; the shim's protocol. */
export { compilePlan } from './plan/compile.ts';
export { defaultProfile } from './seccomp/default-profile.ts';
export {
  checkSeccompProfile,
  type ProfileArchitecture,
  type ProfileCondition,
  type ProfileRule,
  parseSeccompProfile,
  type SeccompProfile,
} from './seccomp/profile.ts';
export { type CompiledSeccomp, compileFilter, SeccompCache } from './seccomp/program.ts';
export { nativeArchitecture, resolveProfile, type SeccompContext } from './seccomp/resolve.ts';
