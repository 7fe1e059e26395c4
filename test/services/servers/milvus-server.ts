import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort, ServerProcess } from "./server-process.ts";

/** A Milvus Lite on a port of this machine. */
export class MilvusServer {
  readonly address: string;
  private readonly folder: string;
  private readonly process: ServerProcess;

  private constructor(folder: string, address: string, process: ServerProcess) {
    this.folder = folder;
    this.address = address;
    this.process = process;
  }

  /** @param packages the folder that `installServers` gives */
  static async start(packages: string): Promise<MilvusServer> {
    const folder = await mkdtemp(path.join(tmpdir(), "milvus-"));
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const libraries = path.join(packages, "milvus_lite", "lib");
    const server = new ServerProcess(
      "Milvus",
      path.join(libraries, "milvus"),
      [path.join(folder, "milvus.db"), address, "ERROR"],
      {
        cwd: folder,
        env: { ...process.env, LD_LIBRARY_PATH: `${libraries}:${process.env.LD_LIBRARY_PATH ?? ""}` },
      },
    );
    const milvus = new MilvusServer(folder, address, server);
    try {
      await server.start(async () => {
        const socket = connect(port, "127.0.0.1");
        try {
          await once(socket, "connect");
        } finally {
          socket.destroy();
        }
      });
    } catch (error) {
      await milvus.stop();
      throw error;
    }
    return milvus;
  }

  async stop(): Promise<void> {
    await this.process.stop("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }
}
