import type { UIMessage } from 'ai'
import { type FormEvent, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat, loadChat } from './chat.tsx'
import { isSignedIn, signIn, signOut } from './session.ts'

function App() {
  const [inside, setInside] = useState(isSignedIn)
  const leave = () => signOut().then(() => setInside(false))
  if (!inside) return <SignIn done={() => setInside(true)} />
  return (
    <>
      <button type="button" onClick={leave}>
        Sign out
      </button>
      <OpenChat id={chatId()} />
    </>
  )
}

/** The page's address names the chat, so that it is there after a reload. Any name will do; a UUID is the chat's id everywhere. */
function chatId(): string {
  if (!location.hash) history.replaceState(null, '', `#${crypto.randomUUID()}`)
  return location.hash.slice(1)
}

function OpenChat({ id }: { id: string }) {
  const [messages, setMessages] = useState<UIMessage[] | null>(null)
  const [error, setError] = useState<Error | null>(null)
  useEffect(() => {
    loadChat(id).then(setMessages, setError)
  }, [id])
  if (error) return <p role="alert">{error.message}</p>
  return messages && <Chat id={id} initial={messages} />
}

function SignIn({ done }: { done: () => void }) {
  const [error, setError] = useState<Error | null>(null)
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    await signIn(String(form.get('email')), String(form.get('password'))).then(done, setError)
  }
  return (
    <form onSubmit={submit}>
      <input name="email" type="email" aria-label="E-mail" />
      <input name="password" type="password" aria-label="Password" />
      <button type="submit">Sign in</button>
      {error && <p role="alert">{error.message}</p>}
    </form>
  )
}

createRoot(document.getElementById('app')!).render(<App />)
