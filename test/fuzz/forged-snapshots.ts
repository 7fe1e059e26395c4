import { readSnapshot, type Snapshot, writeSnapshot } from "../../packages/core/src/disk/index.ts";
import { mutatedBytes, mutatedJson, type Random } from "./mutations.ts";

interface Section {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Copies a snapshot with changes in what it describes or holds, under checksums that are right. */
export async function forgeSnapshot(from: string, kind: string, to: string, random: Random): Promise<void> {
  const snapshot = await readSnapshot(from, kind);
  let { description } = snapshot;
  const sections = sectionsOf(snapshot);
  for (let changes = 1 + random.below(2); changes > 0; changes--) {
    const at = random.below(sections.length);
    const chosen = sections[at]!;
    switch (random.below(6)) {
      case 0:
      case 1:
        description = mutatedJson(description, random);
        break;
      case 2:
        sections.splice(at, 1);
        break;
      case 3:
        sections[at] = { name: chosen.name, bytes: random.pick(sections).bytes };
        break;
      default:
        sections[at] = { name: chosen.name, bytes: mutatedBytes(chosen.bytes, random) };
    }
    if (sections.length === 0) break;
  }
  await writeSnapshot(to, kind, description, sections);
}

function sectionsOf(snapshot: Snapshot): Section[] {
  const { sections } = snapshot as unknown as { readonly sections: ReadonlyMap<string, unknown> };
  return [...sections.keys()].map((name) => ({ name, bytes: snapshot.bytes(name) }));
}
