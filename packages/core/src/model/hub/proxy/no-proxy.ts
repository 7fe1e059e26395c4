import { BlockList, isIP } from "node:net";

/**
 * Whether a list of `NO_PROXY` names the host of an address. Entries are separated by commas or blanks:
 *
 * | entry | hosts |
 * | --- | --- |
 * | `*` | all |
 * | `example.com`, `.example.com`, `*.example.com` | the domain and all below it |
 * | `10.1.2.3`, `::1`, `10.0.0.0/8`, `fd00::/8` | the address, or the addresses of the network |
 * | any but a network, with `:8443` behind it | the same, on that port only |
 */
export function isWithoutProxy(url: URL, list: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry === "*" || (entry !== "" && matches(entry, host, port)));
}

function matches(entry: string, host: string, port: string): boolean {
  const [network, bits] = entry.split("/");
  if (bits !== undefined) return isInNetwork(host, bare(network!), bits);
  // An IPv6 address has colons of its own: with a port it stands in brackets.
  const [, name, wantedPort] = isIP(entry) === 6 ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const wanted = bare(name ?? entry).replace(/^\*?\./, "");
  if (isIP(host) !== 0 || isIP(wanted) !== 0) return isInNetwork(host, wanted, undefined);
  return wanted !== "" && (host === wanted || host.endsWith(`.${wanted}`));
}

function isInNetwork(host: string, network: string, bits: string | undefined): boolean {
  const version = isIP(network);
  if (version === 0 || isIP(host) !== version) return false;
  const prefix = bits === undefined ? (version === 4 ? 32 : 128) : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  const addresses = new BlockList();
  addresses.addSubnet(network, prefix, family);
  return addresses.check(host, family);
}

/** Without the brackets of an IPv6 address, and without the dot that ends a full name. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}
