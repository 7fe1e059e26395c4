import { type BaseNode, jsonToNode, MetadataMode, type TextNode } from "@llamaindex/core/schema";
import { type Metadata, type NewDocument, SparseEncoderError } from "@sparse-encoder/core";
import { jsonMetadata, received } from "@sparse-encoder/core/internal";

/** The field of a stored document's metadata that holds all of a node but its text and metadata. */
export const nodeField = "_node";

/** What is under {@link nodeField}. */
interface NodeFields {
  readonly id: string;
  /** The document that the node is a part of; a node without a document is its own. */
  readonly refDocId: string;
  /** Names of metadata that are null, "" or []: filters cannot tell an empty list from one that does not match. */
  readonly empty: readonly string[];
  /** The node, in JSON, without what is stored elsewhere. */
  readonly content: string;
}

/**
 * A node as core stores it: text and metadata as they are, so that core and other programs can read and filter them, and all
 * else under {@link nodeField}. Metadata are stored as `JSON.stringify` keeps them. The node is not changed.
 *
 * @param position of the node in the call, for messages
 * @throws SparseEncoderError `INVALID_DOCUMENT`
 */
export function documentOf(node: BaseNode, position: number): NewDocument {
  if (typeof node !== "object" || node === null || typeof node.getContent !== "function") {
    throw invalidNode(
      position,
      `must be a node of LlamaIndex, such as a TextNode, received ${received(node)}`,
    );
  }
  return {
    id: node.id_,
    text: textOf(node),
    metadata: metadataOf(node, position),
    encodedText: node.getContent(MetadataMode.EMBED),
  };
}

/** The text of a node without its metadata. */
export function textOf(node: BaseNode): string {
  // By what it has rather than by class: nodes may come from the other build of LlamaIndex, or from a second copy.
  const { text } = node as Partial<TextNode> & BaseNode;
  return text === undefined ? node.getContent(MetadataMode.NONE) : text;
}

/** The metadata that a node has in the store, which filters look at. */
export function metadataOf(node: BaseNode, position: number): Metadata {
  const { id_, text: _text, embedding: _embedding, metadata, ...rest } = { ...node } as TextNode;
  if (typeof metadata !== "object" || metadata === null) {
    throw invalidNode(position, `must have an object as metadata, received ${received(metadata)}`);
  }
  if (Object.hasOwn(metadata, nodeField)) {
    throw invalidNode(position, `has metadata named ${nodeField}, a name that the store needs; rename it`);
  }
  const json = jsonMetadata(`node ${position}`, metadata) ?? {};
  const fields: NodeFields = {
    id: id_,
    refDocId: node.sourceNode?.nodeId ?? id_,
    empty: Object.keys(json).filter((name) => isEmpty(json[name])),
    // The hash and the type are accessors. Relationships hold metadata too.
    content: JSON.stringify(
      jsonMetadata(`what belongs to node ${position}`, { ...rest, hash: node.hash, type: node.type }),
    ),
  };
  return { ...json, [nodeField]: { ...fields } };
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

function invalidNode(position: number, problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `Node ${position} ${problem}.`);
}
