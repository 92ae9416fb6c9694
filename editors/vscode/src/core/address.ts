export interface HostPort {
  host: string;
  port: number;
}

/** HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
export function parseGateway(text: string, defaultPort: number): HostPort | undefined {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/@]+))(?::([0-9]{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? defaultPort : Number(parts[3]);
  if (host === undefined || port < 1 || port > 65535) return undefined;
  return { host, port };
}

export function addressText(where: HostPort): string {
  return (where.host.includes(':') ? `[${where.host}]` : where.host) + ':' + String(where.port);
}
