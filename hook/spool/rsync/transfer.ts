/** What goes where on the other host. */
import type { SpoolAddress } from '../../config/spool-address.ts';

export type RemoteAddress = Exclude<SpoolAddress, { kind: 'local' }>;

export interface Transfer {
  address: RemoteAddress;
  /** Validated sub directory, `''` for none. */
  subDir: string;
  /** `<record id>-<format>`: the archive's name without `.tar`. */
  baseName: string;
  /** `extra_rsync_opts`, appended to our own so that they take precedence. */
  extraOptions: readonly string[];
  /** What a complete archive's name ends in: `.tar`, but that of a probe in something that PILOS ignores. */
  suffix?: string | undefined;
  connectSeconds?: number | undefined;
  /** Of a connection that stands: see connection.ts. */
  controlSocket?: string | undefined;
}

/** `[USER@]HOST:PATH/SUB`, for messages and the ledger. */
export function remoteDirectory({ address, subDir }: Pick<Transfer, 'address' | 'subDir'>): string {
  const prefix = address.kind === 'ssh' ? `${address.host}:` : address.prefix;
  const { path } = address;
  if (subDir === '') return `${prefix}${path}`;
  return `${prefix}${path}${path === '' || path.endsWith('/') ? '' : '/'}${subDir}`;
}

/** What a file of this name is called there once it is complete. */
export function completeName({ suffix = '.tar' }: Pick<Transfer, 'suffix'>, baseName: string): string {
  return `${baseName}${suffix}`;
}
