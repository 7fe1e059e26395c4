/**
 * Leaves the machine code of one GPU architecture in a CUDA library and puts zeros in place of the others', which then compress to
 * nothing: the provider of onnxruntime shrinks from 250 MB to 50 MB as .xz. Reads the containers of the ELF section `.nv_fatbin`:
 * a header (magic, version, header size, payload size), then entries, each with a header that names its architecture.
 */

const magic = Buffer.from([0x50, 0xed, 0x55, 0xba]);
/** Places in a container's and in an entry's header. */
const container = { headerSize: 6, size: 8 } as const;
const entry = { headerSize: 4, size: 8, architecture: 28 } as const;

/** @returns bytes of machine code that stayed, of that architecture */
export function keepArchitecture(library: Buffer, architecture: number): number {
  let kept = 0;
  const section = sectionOf(library, ".nv_fatbin");
  for (let at = section.start; ; ) {
    at = library.indexOf(magic, at);
    if (at < 0 || at >= section.end) return kept;
    const end =
      at +
      library.readUInt16LE(at + container.headerSize) +
      Number(library.readBigUInt64LE(at + container.size));
    let next = at + library.readUInt16LE(at + container.headerSize);
    while (next < end) {
      const start = next + library.readUInt32LE(next + entry.headerSize);
      const after = start + Number(library.readBigUInt64LE(next + entry.size));
      if (library.readUInt32LE(next + entry.architecture) === architecture) kept += after - start;
      else library.fill(0, start, after);
      next = after;
    }
    at = Math.max(end, at + magic.length);
  }
}

/** Places in the headers of a 64-bit ELF file. */
const elf = { sections: 0x28, sectionSize: 0x3a, sectionCount: 0x3c, names: 0x3e } as const;
const sectionHeader = { name: 0, offset: 0x18, size: 0x20 } as const;

function sectionOf(library: Buffer, name: string): { start: number; end: number } {
  const table = Number(library.readBigUInt64LE(elf.sections));
  const size = library.readUInt16LE(elf.sectionSize);
  const header = (number: number) => table + number * size;
  const names = Number(
    library.readBigUInt64LE(header(library.readUInt16LE(elf.names)) + sectionHeader.offset),
  );
  for (let number = 0; number < library.readUInt16LE(elf.sectionCount); number++) {
    const start = names + library.readUInt32LE(header(number) + sectionHeader.name);
    if (library.toString("latin1", start, library.indexOf(0, start)) !== name) continue;
    const offset = Number(library.readBigUInt64LE(header(number) + sectionHeader.offset));
    return {
      start: offset,
      end: offset + Number(library.readBigUInt64LE(header(number) + sectionHeader.size)),
    };
  }
  throw new Error(`The library has no section ${name}; is it a CUDA library for Linux?`);
}
