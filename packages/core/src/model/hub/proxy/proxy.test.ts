import { describe, expect, it } from "vitest";
import { isWithoutProxy } from "./no-proxy.ts";
import { fetchKnowsProxies, proxyFor } from "./proxy.ts";

const hub = new URL("https://huggingface.co/api/models/a");
const plain = new URL("http://mirror.example:8080/a");

describe("the proxy of the environment", () => {
  it.each([
    [{}, undefined, undefined],
    [{ HTTPS_PROXY: "http://p:3128" }, "http://p:3128", undefined],
    [{ https_proxy: "http://p:3128" }, "http://p:3128", undefined],
    [{ HTTP_PROXY: "http://p:3128" }, undefined, "http://p:3128"],
    [{ http_proxy: "p:3128" }, undefined, "http://p:3128"],
    [{ https_proxy: "small:1", HTTPS_PROXY: "capital:1" }, "http://small:1", undefined],
    [{ ALL_PROXY: "https://p" }, "https://p", "https://p"],
    [{ ALL_PROXY: "p", HTTPS_PROXY: "q" }, "http://q", "http://p"],
    [{ https_proxy: "", HTTPS_PROXY: "p", ALL_PROXY: "p" }, undefined, "http://p"],
    [{ HTTPS_PROXY: "p", NO_PROXY: "huggingface.co" }, undefined, undefined],
    [{ HTTPS_PROXY: "p", no_proxy: "", NO_PROXY: "huggingface.co" }, "http://p", undefined],
  ])("%o", (variables, forHub, forPlain) => {
    expect(proxyFor(hub, variables)?.url.origin).toBe(forHub);
    expect(proxyFor(plain, variables)?.url.origin).toBe(forPlain);
  });

  it("takes user and password out of the address", () => {
    const proxy = proxyFor(hub, { HTTPS_PROXY: "http://me%40corp:p%3Aw%25@proxy:3128/path?query" });
    expect(proxy?.url.href).toBe("http://proxy:3128/");
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from("me@corp:p:w%").toString("base64")}`);
    // As people write them who do not know of %25.
    expect(proxyFor(hub, { HTTPS_PROXY: "http://me:100%@proxy" })?.authorization).toBe(
      `Basic ${Buffer.from("me:100%").toString("base64")}`,
    );
    expect(proxyFor(hub, { HTTPS_PROXY: "http://proxy" })?.authorization).toBeUndefined();
  });

  it.each(["socks5://me:secret-word@p:1080", "ftp://me:secret-word@p", "http://me:secret-word@", "http://"])(
    "that is none is refused without a word of its value: %s",
    (value) => {
      const call = () => proxyFor(hub, { HTTPS_PROXY: value });
      expect(call).toThrow("HTTPS_PROXY must hold the address of an http or https proxy");
      expect(call).not.toThrow("secret-word");
    },
  );

  it("is left to runtimes whose fetch knows it", () => {
    expect(fetchKnowsProxies({ node: "26.0.0" })).toBe(false);
    expect(fetchKnowsProxies({ node: "24.0.0", bun: "1.4.5" })).toBe(true);
    expect(fetchKnowsProxies({ node: "24.0.0", deno: "2.9.6" })).toBe(true);
  });
});

describe("NO_PROXY", () => {
  it.each([
    ["", "https://hub.example", false],
    ["*", "https://hub.example", true],
    ["hub.example", "https://hub.example", true],
    ["hub.example", "https://cdn.hub.example", true],
    ["hub.example", "https://other-hub.example", false],
    ["hub.example", "https://hub.example.org", false],
    [".hub.example", "https://hub.example", true],
    ["*.hub.example", "https://cdn.hub.example", true],
    ["HUB.Example.", "https://hub.example", true],
    ["a.example, hub.example", "https://hub.example", true],
    ["a.example hub.example", "https://hub.example", true],
    [",,", "https://hub.example", false],
    ["hub.example:8443", "https://hub.example:8443", true],
    ["hub.example:8443", "https://hub.example", false],
    ["hub.example:443", "https://hub.example", true],
    ["hub.example:80", "http://hub.example", true],
    ["127.0.0.1", "http://127.0.0.1:3000", true],
    ["127.0.0.1:3000", "http://127.0.0.1:3000", true],
    ["127.0.0.1", "http://27.0.0.1", false],
    ["7.0.0.1", "http://127.0.0.1", false],
    ["10.0.0.0/8", "https://10.20.30.40", true],
    ["10.0.0.0/8", "https://11.20.30.40", false],
    ["10.0.0.0/33", "https://10.20.30.40", false],
    ["10.0.0.0/x", "https://10.20.30.40", false],
    ["fd00::/8", "https://[fd12::1]", true],
    ["::1", "http://[::1]:8080", true],
    ["[::1]:8080", "http://[::1]:8080", true],
    ["[::1]:8081", "http://[::1]:8080", false],
    ["10.0.0.0/8", "https://hub.example", false],
  ])("%s: %s", (list, address, expected) => {
    expect(isWithoutProxy(new URL(address), list)).toBe(expected);
  });
});
