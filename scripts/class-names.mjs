/**
 * Gives classes in the output of esbuild their names back. A class that names itself in its own body is written as
 * `var Name = class _Name {…}`, and its `name`, which errors, traces and `console.log` show, becomes `_Name`. Within the class
 * `Name` means the same. esbuild's `keepNames` would also wrap all functions, closures in inner loops included.
 */
export function restoreClassNames(code) {
  const names = new Map();
  for (const [, name, inner] of code.matchAll(/^var (\w+) = class (_\w+)/gm)) {
    if (inner !== `_${name}`) throw new Error(`esbuild gave the class ${inner.slice(1)} the name ${name}`);
    names.set(inner, name);
  }
  return code.replace(/(?<![\w$.])_\w+/g, (word) => names.get(word) ?? word);
}
