import { describe, expect, it } from "vitest";
import { deviceProbe } from "../graph/index.ts";
import { parseDevice } from "./device/device.ts";
import { probeDevices } from "./device-probe.ts";

describe("the probe of devices", () => {
  it("asks for WebGPU in words that the runtime knows", async () => {
    const probe = await probeDevices(deviceProbe(), [parseDevice("webgpu")]);
    // It opens where there is a graphics processor; an option that is not known fails everywhere.
    expect(probe?.devices).toHaveLength(1);
    expect(probe?.devices[0]?.message).not.toMatch(/unrecognized option/);
  });

  it("opens the CPU", async () => {
    const probe = await probeDevices(deviceProbe(), [parseDevice("cpu")]);
    expect(probe?.devices).toEqual([{ name: "cpu", opened: true, message: "" }]);
  });
});
