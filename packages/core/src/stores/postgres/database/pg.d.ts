/** As much of the package `pg` as is used: its types are in a package of their own, which users need not have. */
declare module "pg" {
  interface Result {
    rows: unknown[];
  }
  interface Pool {
    connect(): Promise<{
      query(statement: { text: string; values?: string[] }): Promise<Result>;
      release(error?: Error | boolean): void;
    }>;
    query(statement: { text: string; values?: string[] }): Promise<Result>;
    end(): Promise<void>;
    on(event: "error", listener: (error: Error) => void): this;
  }
  const pg: { Pool: new (options: Readonly<Record<string, unknown>>) => Pool };
  // biome-ignore lint/style/noDefaultExport: it is how the package is.
  export default pg;
}
