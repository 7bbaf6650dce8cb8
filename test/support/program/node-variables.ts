/** What of an inherited environment Node.js obeys before the first line of the program. */

/** With these values it does not start, or does not end as it should. */
export const stopping = {
  NODE_CHANNEL_FD: '3',
  NODE_REPL_EXTERNAL_MODULE: '/none',
  OPENSSL_CONF: '/etc/passwd',
};

/** The directories that these name, it writes into. */
export const writing = ['NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE'];
