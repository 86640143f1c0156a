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
export { compilePlan } from './plan/compile.ts';
export { encodePlan } from './plan/encode.ts';
export { compileExec, type ExecTarget } from './plan/exec.ts';
export type { CgroupHierarchy, CgroupPlacement, CompileInput, Hold, SeccompProgram, Streams } from './plan/input.ts';
export type { Plan } from './plan/op.ts';
export { printOp, printPlan } from './plan/print.ts';
export { type AttachOptions, attachToShim, controlShim, type ShimControl } from './shim-client.ts';
export { type ResolvedUser, resolveUser, type UserFiles } from './users.ts';
