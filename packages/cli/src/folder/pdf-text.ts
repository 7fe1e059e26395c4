import { extractText, getDocumentProxy } from "unpdf";
import type { FileText } from "./document-block.ts";
import { plainFileText } from "./plain-file-text.ts";

/** The text of a PDF file, page by page. Scans without a text layer have none. */
export async function pdfText(bytes: Uint8Array): Promise<FileText> {
  // The reader takes the buffer over.
  const document = await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0 });
  const { text: pages } = await extractText(document, { mergePages: false });
  const metadata: { info?: { Title?: unknown } } = await document.getMetadata().catch(() => ({}));
  const title = metadata.info?.Title;
  return {
    title: typeof title === "string" && title.trim() !== "" ? title.trim() : undefined,
    blocks: pages.flatMap((page, number) =>
      plainFileText(page).blocks.map((block) => ({ ...block, page: number + 1 })),
    ),
  };
}
