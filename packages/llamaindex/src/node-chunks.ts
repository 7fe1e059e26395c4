import { type BaseNode, MetadataMode, NodeRelationship, TextNode } from "@llamaindex/core/schema";
import { SparseEncoderError } from "@sparse-encoder/core";
import { chunkField, chunkMetadata, type DocumentSplitter } from "@sparse-encoder/core/internal";
import { documentOf } from "./node-document.ts";

/** Nodes in pieces. */
export interface NodePieces {
  readonly pieces: BaseNode[];
  /** Pieces of each node, by its id. */
  readonly counts: ReadonlyMap<string, number>;
}

/**
 * Splits nodes into nodes that lead back to them. Nodes without text stay whole.
 *
 * @throws SparseEncoderError `INVALID_DOCUMENT`, `INVALID_ARGUMENT`, `ABORTED`
 */
export async function splitNodes(
  nodes: readonly BaseNode[],
  splitter: DocumentSplitter,
  signal: AbortSignal | undefined,
): Promise<NodePieces> {
  const pieces: BaseNode[] = [];
  const counts = new Map<string, number>();
  for (const [position, node] of nodes.entries()) {
    // Refuses what is not a node.
    const { id, text } = documentOf(node, position);
    if (text.trim() === "") {
      pieces.push(node);
      continue;
    }
    const chunks = await splitter.split({ id, text }, position, signal, textBefore(node, text));
    if (chunks.length > 1 && node.embedding !== undefined && node.embedding.length > 0) {
      throw new SparseEncoderError(
        "INVALID_DOCUMENT",
        `Node ${position} brings an embedding of its whole text, which is split into ${chunks.length} pieces; leave the embedding out, or split.`,
      );
    }
    for (const chunk of chunks) pieces.push(pieceOf(node as TextNode, chunk));
    counts.set(id, chunks.length);
  }
  return { pieces, counts };
}

function pieceOf(
  node: TextNode,
  { id, text, place }: Awaited<ReturnType<DocumentSplitter["split"]>>[number],
): TextNode {
  const { metadata, excludedEmbedMetadataKeys = [], excludedLlmMetadataKeys = [], startCharIdx } = node;
  const { metadataSeparator, textTemplate, embedding } = node;
  const offset = startCharIdx ?? 0;
  const piece = new TextNode({
    id_: id,
    text,
    metadata: chunkMetadata(metadata, place),
    // Of use to programs, not to models.
    excludedEmbedMetadataKeys: [...excludedEmbedMetadataKeys, chunkField],
    excludedLlmMetadataKeys: [...excludedLlmMetadataKeys, chunkField],
    relationships: { [NodeRelationship.SOURCE]: node.sourceNode ?? node.asRelatedNodeInfo() },
    ...(metadataSeparator === undefined ? {} : { metadataSeparator }),
    ...(textTemplate === undefined ? {} : { textTemplate }),
    ...(embedding === undefined ? {} : { embedding }),
  });
  // The constructor drops a place of 0.
  return Object.assign(piece, { startCharIdx: offset + place.start, endCharIdx: offset + place.end });
}

/** What models read in front of the text: the metadata. */
function textBefore(node: BaseNode, text: string): string {
  const encoded = node.getContent(MetadataMode.EMBED);
  return encoded.slice(0, Math.max(0, encoded.lastIndexOf(text.trim())));
}
