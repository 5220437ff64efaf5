import { PacketWriter, type } from './frames.mjs'
import { varintLength } from '../core/bytes.mjs'

export const packetSize = 1200 - 20

/** Builds the next packet, or null when there is nothing to say. What it carries is told by frames with onAcked and onLost. */
export function buildPacket (connection, session, at, content, probe) {
  const writer = new PacketWriter(packetSize)
  const frames = []
  writer.varint(connection.nextNumber)
  const hello = connection.helloFor(session)
  if (hello) writer.raw(hello)
  const start = writer.at
  const hadAck = connection.toAck > 0 && connection.received.list.length > 0
  if (hadAck) {
    const ranges = connection.received.list.slice().reverse()
    writer.ack(ranges, Math.max(0, at - connection.largestAt))
    connection.onAckWritten()
  }
  const beforeContent = writer.at
  if (connection.ping && (content || probe)) {
    connection.ping = false
    writer.varint(type.ping)
  }
  if (content) {
    connection.streams.writeControl(writer, frames)
    writeDatagrams(connection, writer)
    connection.streams.writeData(writer, frames)
  }
  if (probe && writer.at === beforeContent) writer.varint(type.ping)
  if (writer.at === start) return null
  const asks = hello !== null || writer.at > beforeContent
  return { number: connection.nextNumber++, bytes: writer.done(), frames, session, asks }
}

function writeDatagrams (connection, writer) {
  while (connection.datagrams.length > 0) {
    const { length } = connection.datagrams[0]
    if (1 + varintLength(length) + length <= writer.room) {
      writer.frame(type.datagramWithLength, length)
    } else if (1 + length <= writer.room) {
      writer.varint(type.datagram)
      writer.raw(connection.takeDatagram())
      writer.size = writer.at
      return
    } else return
    writer.raw(connection.takeDatagram())
  }
}
