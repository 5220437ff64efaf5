using PacketSec.Fuzz;

return FuzzApplication.Run(args, Console.Out, Console.Error);
