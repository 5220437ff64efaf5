import { EventEmitter } from 'node:events'
import { ReceiveHalf } from './receive-half.mjs'
import { SendHalf } from './send-half.mjs'

/**
 * One stream of a connection. Events: 'readable' (there are bytes, or the end), 'drain' (write again), 'reset' (code, by the
 * peer), 'stopped' (code: the peer reads no more), 'closed' (the connection is over).
 */
export class Stream extends EventEmitter {
  constructor (connection, id, own, sendLimit, window, bound) {
    super()
    this.connection = connection
    this.id = id
    this.own = own // opened here
    this.send = new SendHalf(sendLimit)
    this.receive = new ReceiveHalf(window, bound)
    this.tellLimit = false
    this.stopCode = null
    this.stopSent = false
  }

  /** False when the writer had better wait for 'drain'. */
  write (data) {
    if (!this.send.open) throw new Error('the stream takes no more data')
    const more = this.send.write(data)
    this.connection.activate(this)
    return more
  }

  end () {
    if (!this.send.open) return
    this.send.ended = true
    this.connection.activate(this)
  }

  /** Bytes in order, or null when there are none now; see ended. */
  read () {
    const parts = this.receive.take()
    if (parts.length === 0) return null
    this.connection.onRead(this)
    return parts
  }

  get ended () { return this.receive.atEnd }

  /** Gives up what is not yet sent: the peer is told by RESET_STREAM. */
  reset (code = 0) {
    this.send.abandon(code)
    this.connection.control(this)
  }

  /** Reads no more: the peer is told by STOP_SENDING. */
  stop (code = 0) {
    if (this.receive.over || this.receive.stopped) return
    this.stopCode = code
    this.receive.stop()
    this.connection.onRead(this)
    this.connection.control(this)
  }
}
