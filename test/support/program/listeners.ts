/** The far ends of a notification: a mail server and a web server, which keep what they are sent. */
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';

export interface Listener {
  /** `127.0.0.1:PORT` */
  address: string;
  /** One text for each mail, or each request: its method and path, then its body. */
  received: string[];
  stop(): Promise<void>;
}

/** Speaks as much of SMTP (RFC 5321) as a client without a password needs. */
export function listenForMail(): Promise<Listener> {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.write('220 test\r\n');
    let text = '';
    let isData = false;
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (;;) {
        const end = text.indexOf(isData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = text.slice(0, end);
        text = text.slice(end + (isData ? 5 : 2));
        if (isData) received.push(line);
        isData = !isData && line === 'DATA';
        socket.write(isData ? '354 go on\r\n' : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
        if (line === 'QUIT') socket.end();
      }
    });
  });
  return start(server, received);
}

export function listenForRequests(): Promise<Listener> {
  const received: string[] = [];
  const server = createWebServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push(`${request.method} ${request.url}\n${body}`);
      response.end('ok');
    });
  });
  return start(server, received);
}

async function start(server: ReturnType<typeof createServer>, received: string[]): Promise<Listener> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
