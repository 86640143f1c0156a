/** OCI spec to plan to running process; the shim's protocol; the OCI command line. */
export {
  defaultCapabilities,
  defaultDeviceRules,
  defaultMaskedPaths,
  defaultMounts,
  defaultNamespaces,
  defaultNetworkSysctls,
  defaultPath,
  defaultReadonlyPaths,
  runtimeDeviceRules,
} from './default-spec.ts';
export { type HostMount, HostMounts } from './host-mounts.ts';
export { compilePlan } from './plan/compile.ts';
export { cpuMask } from './plan/cpu-list.ts';
export { encodePlan } from './plan/encode.ts';
export { compileExec, type ExecTarget } from './plan/exec.ts';
export type { CgroupHierarchy, CgroupPlacement, CompileInput, Hold, SeccompProgram, Streams } from './plan/input.ts';
export type { Plan } from './plan/op.ts';
export { printOp, printPlan } from './plan/print.ts';
export {
  type AttachEffect,
  type AttachOptions,
  attachToShim,
  controlShim,
  dialShim,
  type LogMark,
  type ShimControl,
} from './shim-client.ts';
export { type ResolvedUser, resolveUser, type UserFiles } from './users.ts';
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
export { ContainerRuntime } from './container-runtime.ts';
export type { RuntimeProgram } from './foreign/foreign-program.ts';
export type { ExecRequest, LaunchRequest, ProcessMaker, SeccompWish } from './process-maker.ts';
export type { RuntimeDeps } from './runtime-deps.ts';
export { describeErrno, failureError } from './failure.ts';
export {
  type ProcessExit,
  type ProcessIdentity,
  RunningProcess,
  readExitRecord,
  readPidRecord,
} from './running-process.ts';
