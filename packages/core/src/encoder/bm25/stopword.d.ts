declare module "stopword" {
  const lists: Readonly<Record<string, string[]>>;
  export = lists;
}
