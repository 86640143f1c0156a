/** Containers and their lives. */
export { createAttachments } from './attachments.ts';
export { type ContainerRecord, type Containers, openContainers } from './container-record.ts';
export type {
  BindSetting,
  ContainerSettings,
  DeviceRate,
  DeviceSetting,
  HostSettings,
  LogSettings,
  ResourceSettings,
} from './container-settings.ts';
export { createEvents, type EngineEvent, type Events } from './events.ts';
export { createExecInstances, type ExecInstance, type ExecSettings } from './exec-instances.ts';
