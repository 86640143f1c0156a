/**
 * OCI runtime-spec 1.3, `vm`: a container in a virtual machine (config-vm.md).
 */

/** config-vm.md. */
export interface VmConfig {
  readonly hypervisor?: { readonly path: string; readonly parameters?: readonly string[] };
  readonly kernel: { readonly path: string; readonly parameters?: readonly string[]; readonly initrd?: string };
  readonly image?: { readonly path: string; readonly format: 'raw' | 'qcow2' | 'vdi' | 'vmdk' | 'vhd' };
  readonly hwConfig?: VmHardware;
}

/** What the machine consists of; memory in bytes. */
export interface VmHardware {
  readonly deviceTree?: string;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly dtdevs?: readonly string[];
  readonly iomems?: readonly VmIoMemory[];
  readonly irqs?: readonly number[];
}

/** A range of I/O memory frames handed to the guest. */
export interface VmIoMemory {
  readonly firstGFN?: number;
  readonly firstMFN: number;
  readonly nrMFNs: number;
}
