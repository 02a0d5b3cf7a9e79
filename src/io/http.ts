/** HTTP as the rest of the program sees it: small questions, answered with small texts. `node-http.ts` is the real one. */

export interface HttpRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface HttpResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface HttpListener {
  readonly host: string
  readonly port: number
  /** Answers nobody any more. */
  close(): Promise<void>
}

export interface Http {
  /**
   * Resolves when requests are answered; port 0 takes a free one. Rejects when the address can't be had. `answer` must not
   * reject. Requests with a body over 1 MiB are refused with 413.
   */
  listen(
    options: { readonly host: string; readonly port: number },
    answer: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<HttpListener>
  /** Asks a server; waits as long as it takes. Rejects when there is none, or it goes away. */
  request(host: string, port: number, request: HttpRequest): Promise<HttpResponse>
}
