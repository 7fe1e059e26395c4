import { type BaseNode, jsonToNode, MetadataMode, type TextNode } from "@llamaindex/core/schema";
import type { Metadata, NewDocument } from "@sparse-encoder/core";
import { SparseEncoderError } from "@sparse-encoder/core";
import { received } from "@sparse-encoder/core/internal";

/** The field of a stored document's metadata that holds what a node has beside text and metadata. */
export const nodeField = "_node";

/** What is under {@link nodeField}. */
interface NodeFields {
  readonly id: string;
  /** The document that the node is a part of; a node without one is its own. */
  readonly refDocId: string;
  /** Names of metadata that are null, "" or []: filters cannot tell an empty list from one that does not match. */
  readonly empty: readonly string[];
  /** The node, in JSON, without what is stored elsewhere. */
  readonly content: string;
}

/**
 * A node as core stores it: text and metadata as they are, so that core and other programs can read and filter them, and
 * all else under {@link nodeField}. The node is not changed.
 *
 * @param place for messages
 * @throws SparseEncoderError `INVALID_DOCUMENT`
 */
export function documentOf(node: BaseNode, place: number): NewDocument {
  if (typeof node !== "object" || node === null || typeof node.getContent !== "function") {
    throw invalidNode(place, `must be a node of LlamaIndex, such as a TextNode, received ${received(node)}`);
  }
  // By what it has rather than by class: nodes may come from the other build of LlamaIndex, or from a second copy.
  const { text } = node as TextNode;
  return {
    id: node.id_,
    text: text === undefined ? node.getContent(MetadataMode.NONE) : text,
    metadata: metadataOf(node, place),
    encodedText: node.getContent(MetadataMode.EMBED),
  };
}

/** The metadata that a node has in the store, which filters look at. */
export function metadataOf(node: BaseNode, place: number): Metadata {
  const { id_, text: _text, embedding: _embedding, metadata, ...rest } = { ...node } as TextNode;
  if (typeof metadata !== "object" || metadata === null) {
    throw invalidNode(place, `must have an object as metadata, received ${received(metadata)}`);
  }
  if (Object.hasOwn(metadata, nodeField)) {
    throw invalidNode(place, `has metadata named ${nodeField}, a name that the store needs; rename it`);
  }
  const fields: NodeFields = {
    id: id_,
    refDocId: node.sourceNode?.nodeId ?? id_,
    empty: Object.keys(metadata).filter((name) => isEmpty(metadata[name])),
    // The hash and the type are accessors.
    content: JSON.stringify({ ...rest, hash: node.hash, type: node.type }),
  };
  return { ...metadata, [nodeField]: { ...fields } };
}

/** The node of a stored document; a plain one for a document that core itself stored. */
export function nodeOf({ id, text, metadata }: { id: string; text: string; metadata: Metadata }): BaseNode {
  // What core gives is frozen, and a node is its owner's to change.
  const { [nodeField]: fields, ...own } = structuredClone(metadata) as Record<string, unknown>;
  if (fields === undefined) return jsonToNode({ type: "TEXT", id_: id, text, metadata: own });
  const { type, ...rest } = JSON.parse((fields as NodeFields).content) as Record<string, unknown>;
  // Once more, as constructors make a new hash and drop a place of 0.
  return Object.assign(jsonToNode({ ...rest, type, id_: id, text, metadata: own }), rest);
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function invalidNode(place: number, problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `Node ${place} ${problem}.`);
}
