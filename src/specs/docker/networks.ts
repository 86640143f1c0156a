/** The Docker Engine API's shapes for networks: what we read of requests and write in answers (docker-engine-api.yaml). */

/** What a container asks of one network. */
export interface EndpointSettingsBody {
  readonly IPAMConfig?: {
    readonly IPv4Address?: string;
    readonly IPv6Address?: string;
    readonly LinkLocalIPs?: readonly string[] | null;
  } | null;
  readonly Links?: readonly string[] | null;
  readonly Aliases?: readonly string[] | null;
  readonly MacAddress?: string | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number | null;
}

export interface IpamBody {
  readonly Driver?: string | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Config?:
    | readonly {
        readonly Subnet?: string;
        readonly IPRange?: string;
        readonly Gateway?: string;
        readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null;
      }[]
    | null;
}

/** Body of POST /networks/create. */
export interface NetworkCreateBody {
  readonly Name?: string;
  readonly CheckDuplicate?: boolean | null;
  readonly Driver?: string | null;
  readonly Scope?: string | null;
  readonly Internal?: boolean | null;
  readonly Attachable?: boolean | null;
  readonly Ingress?: boolean | null;
  readonly ConfigOnly?: boolean | null;
  readonly ConfigFrom?: { readonly Network?: string } | null;
  readonly IPAM?: IpamBody | null;
  readonly EnableIPv4?: boolean | null;
  readonly EnableIPv6?: boolean | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** Body of POST /networks/{id}/connect. */
export interface NetworkConnectBody {
  readonly Container?: string;
  readonly EndpointConfig?: EndpointSettingsBody | null;
}

/** Body of POST /networks/{id}/disconnect. */
export interface NetworkDisconnectBody {
  readonly Container?: string;
  readonly Force?: boolean | null;
}

/** One network, in lists and alone. */
export interface NetworkJson {
  readonly Name: string;
  readonly Id: string;
  readonly Created: string;
  readonly Scope: string;
  readonly Driver: string;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6: boolean;
  readonly IPAM: {
    readonly Driver: string;
    readonly Options: Readonly<Record<string, string>> | null;
    readonly Config: readonly Readonly<Record<string, unknown>>[] | null;
  };
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly Ingress: boolean;
  readonly ConfigFrom: { readonly Network: string };
  readonly ConfigOnly: boolean;
  readonly Containers: Readonly<
    Record<
      string,
      {
        readonly Name: string;
        readonly EndpointID: string;
        readonly MacAddress: string;
        readonly IPv4Address: string;
        readonly IPv6Address: string;
      }
    >
  >;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
}
