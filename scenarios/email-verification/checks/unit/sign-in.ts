import NextAuth from "next-auth";
import { authOptions } from "@/lib/auth/options";

interface Answer {
  signedIn: boolean;
  /** What the browser is told, apart from the cookies' values. */
  told: { status: number; body: unknown; cookies: string[] };
}

/** Signs in as the form of the login page does. */
export async function signIn(email: string, password: string): Promise<Answer> {
  const csrf = await request("GET", ["csrf"], {}, {});
  const cookies = Object.fromEntries(csrf.cookies.map(parseCookie));
  const { csrfToken } = csrf.body as { csrfToken: string };
  const form = { email, password, csrfToken, callbackUrl: "/dashboard", json: "true" };
  const { status, body, cookies: set } = await request("POST", ["callback", "credentials"], cookies, form);
  const names = set.map((cookie) => parseCookie(cookie)[0]);
  return { signedIn: names.some((name) => name.includes("session-token")), told: { status, body, cookies: names } };
}

/** NextAuth as a plain Node handler: its other one needs a request of Next. */
async function request(
  method: string,
  nextauth: string[],
  cookies: Record<string, string>,
  body: Record<string, string>,
): Promise<{ status: number; body: unknown; cookies: string[] }> {
  const answer = { status: 200, body: undefined as unknown, headers: new Map<string, unknown>() };
  const response = {
    status(status: number) {
      answer.status = status;
      return response;
    },
    getHeader: (name: string) => answer.headers.get(name.toLowerCase()),
    setHeader(name: string, value: unknown) {
      answer.headers.set(name.toLowerCase(), value);
      return response;
    },
    json(json: unknown) {
      answer.body = json;
    },
    send(sent: unknown) {
      answer.body = sent;
    },
    end() {},
  };
  await NextAuth({ method, query: { nextauth }, cookies, headers: {}, body } as never, response as never, { ...authOptions });
  return { status: answer.status, body: answer.body, cookies: [answer.headers.get("set-cookie") ?? []].flat() as string[] };
}

function parseCookie(cookie: string): [name: string, value: string] {
  const [pair = ""] = cookie.split(";");
  const at = pair.indexOf("=");
  return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1))];
}
