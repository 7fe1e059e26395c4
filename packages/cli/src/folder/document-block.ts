/** A paragraph, list item, cell or heading of a document, without its markup. */
export interface DocumentBlock {
  readonly text: string;
  /** 1 to 6 for a heading, 0 for text. */
  readonly level: number;
  /** Page of a PDF file, from 1. */
  readonly page?: number | undefined;
}

/** What a file says, and its title if it names one. */
export interface FileText {
  readonly title: string | undefined;
  readonly blocks: readonly DocumentBlock[];
}
